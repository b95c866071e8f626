// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A regular ERC-20 that anyone may mint.
contract MintableToken is ERC20("Plain", "PLAIN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Takes a fee of 1 % on every transfer.
contract FeeOnTransferToken is MintableToken {
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0xFEE), value / 100);
    }
}

/// @notice Returns false instead of reverting, and moves nothing.
contract ReturnsFalseToken is MintableToken {
    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @notice Returns nothing and requires an allowance of zero before a new one, like USDT.
contract NoReturnToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        require(amount == 0 || allowance[msg.sender][spender] == 0, "set it to zero first");
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Makes one prepared call during the next transfer, before the balances change.
contract CallbackToken is MintableToken {
    address public target;
    bytes public payload;
    /// @notice Whether that call succeeded.
    bool public succeeded;
    bytes public answer;

    function arm(address target_, bytes calldata payload_) external {
        (target, payload) = (target_, payload_);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (target != address(0) && from != address(0)) {
            address aim = target;
            target = address(0);
            (succeeded, answer) = aim.call(payload);
        }
        super._update(from, to, value);
    }
}

/// @notice Reverts all transfers while it is paused.
contract PausableToken is MintableToken {
    bool public paused;

    function setPaused(bool paused_) external {
        paused = paused_;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!paused, "paused");
        super._update(from, to, value);
    }
}
