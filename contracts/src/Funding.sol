// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPayments} from "./IPayments.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @notice Moves money from the caller of a keeper into one of the keeper's escrows. Tokens go through the
/// keeper and not directly to Payments, so that an approval of one contract can never be spent through
/// another.
library Funding {
    using SafeERC20 for IERC20;

    /// @dev Takes exactly `amount` from the sender. Coin (token zero) must come with the call; a token is
    /// taken by the sender's approval of this contract.
    function take(IPayments payments, uint256 escrow, address token, uint256 amount) internal {
        uint256 due = token == address(0) ? amount : 0;
        require(msg.value == due, IPayments.WrongValue(due, msg.value));
        if (amount == 0) return;
        if (token == address(0)) {
            payments.deposit{value: amount}(escrow, amount);
            return;
        }
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        require(received == amount, IPayments.NotReceivedInFull(token, amount, received));
        IERC20(token).forceApprove(address(payments), amount);
        payments.deposit(escrow, amount);
    }
}
