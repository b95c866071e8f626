// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPayments} from "./IPayments.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @notice How a keeper takes money from whoever calls it into one of its escrows. A token goes through the keeper and not straight to
/// Payments, so that an approval given to one contract can never be spent through another.
library Funding {
    using SafeERC20 for IERC20;

    /// @dev Takes exactly `amount` from the sender: with the call for the coin (token zero), by approval of this contract for a token.
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
