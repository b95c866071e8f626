// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPayments} from "./IPayments.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Payments
/// @notice Implements IPayments, which documents every function.
contract Payments is IPayments, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    Escrow[] private _escrows;
    mapping(address account => mapping(address token => uint256)) public creditOf;

    /// @inheritdoc IPayments
    function open(address token) external returns (uint256 escrow) {
        require(token == address(0) || token.code.length != 0, NotAToken(token));
        escrow = _escrows.length;
        Escrow storage e = _escrows.push();
        (e.keeper, e.token) = (msg.sender, token);
        emit Opened(escrow, msg.sender, token);
    }

    /// @inheritdoc IPayments
    function deposit(uint256 escrow, uint256 amount) external payable nonReentrant {
        Escrow storage e = _kept(escrow);
        // No sum of such amounts can overflow, whatever a token says that it moved.
        require(amount <= type(uint128).max, TooMuch(amount));
        e.held += amount;
        emit Deposited(escrow, amount);
        address token = e.token;
        uint256 due = token == address(0) ? amount : 0;
        require(msg.value == due, WrongValue(due, msg.value));
        if (token != address(0)) _pull(token, amount);
    }

    /// @inheritdoc IPayments
    function pay(uint256 escrow, address to, uint256 amount) external {
        Escrow storage e = _kept(escrow);
        uint256 held = e.held;
        require(amount <= held, TooLittle(amount, held));
        e.held = held - amount;
        _credit(to, e.token, amount);
        emit Paid(escrow, to, e.token, amount);
    }

    /// @inheritdoc IPayments
    function give(address token, address to, uint256 amount) external {
        _debit(token, amount);
        _credit(to, token, amount);
        emit Given(msg.sender, to, token, amount);
    }

    /// @inheritdoc IPayments
    function withdraw(address token, uint256 amount, address to) external nonReentrant {
        _checkReceiver(to);
        _debit(token, amount);
        emit Withdrawn(msg.sender, token, amount, to);
        if (token != address(0)) {
            IERC20(token).safeTransfer(to, amount);
            return;
        }
        (bool paid,) = to.call{value: amount}("");
        require(paid, PaymentFailed(to));
    }

    /// @inheritdoc IPayments
    function escrowOf(uint256 escrow) external view returns (Escrow memory e) {
        if (escrow < _escrows.length) e = _escrows[escrow];
    }

    function _kept(uint256 escrow) private view returns (Escrow storage e) {
        require(escrow < _escrows.length && _escrows[escrow].keeper == msg.sender, NotKeeper(escrow));
        return _escrows[escrow];
    }

    function _pull(address token, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        require(received == amount, NotReceivedInFull(token, amount, received));
    }

    function _credit(address to, address token, uint256 amount) private {
        _checkReceiver(to);
        creditOf[to][token] += amount;
    }

    function _debit(address token, uint256 amount) private {
        uint256 credit = creditOf[msg.sender][token];
        require(amount <= credit, TooLittle(amount, credit));
        creditOf[msg.sender][token] = credit - amount;
    }

    function _checkReceiver(address to) private view {
        require(to != address(0) && to != address(this), BadReceiver(to));
    }
}
